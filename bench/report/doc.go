// Package report makes of the trials of a benchmark what people read: medians, ratios, which goals are met, a table, a
// picture, and a file with all of it.
//
// It promises that nothing is hidden: every trial is in the file, a failed one is counted where its median stands and named
// below the table, and a goal that is missed or was not measured is listed like one that is met.
//
// Ratios are taken between trials of the same round, which follow each other within seconds, and the median of those is
// reported: what the machine does from one minute to the next is then in both.
package report
