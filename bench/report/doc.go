// Package report turns the runs of a benchmark into what people read: medians, ratios, a verdict for each goal, a
// table, a picture, and a file with all of it.
//
// It promises that it hides nothing: every run is in the file, a failed one is counted where its median stands and
// named below the table, and a goal that is missed or was not measured is listed like one that is met.
//
// Ratios are taken between runs of the same round, which follow each other within seconds, and the report has the
// median of those: both runs then contain what the machine does from one minute to the next.
package report
