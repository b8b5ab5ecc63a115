package actors

import "testing"

func TestPending_SaysWhatItHasNoRoomForAheadOfTheLineAlone(t *testing.T) {
	var p pending
	p.push(frameOf(20), 20)
	if a := (&aside{Frame: *frameOf(30)}); p.say(a, true, false) || p.weight != (weight{1, 20}) || p.asides != (asides{}) {
		t.Errorf("what is to be behind the line is there without room: %+v", p.weight)
	}
	if a := (&aside{Frame: *frameOf(30)}); !p.say(a, false, false) || p.front() != &a.Frame || p.weight != (weight{2, 50}) {
		t.Errorf("what goes ahead needs room in the line: %+v", p.weight)
	}
}

func TestPending_WhatIsPrependedGoesAheadOfTheLineAndBehindWhatIsSaid(t *testing.T) {
	var p pending
	older, newer, said := frameOf(20), frameOf(30), &aside{Frame: *frameOf(40)}
	p.push(newer, 30)
	p.say(said, false, true)
	if bytes := p.prepend([]*Frame{older}); bytes != 20 || p.weight != (weight{3, 90}) {
		t.Errorf("%d bytes, %+v in all", bytes, p.weight)
	}
	for i, want := range []*Frame{&said.Frame, older, newer, nil} {
		if got := p.pop(); got != want {
			t.Errorf("frame %d is another", i)
		}
	}
	if p.wrote(3, 90); p != (pending{}) {
		t.Errorf("left when all was written: %+v", p)
	}
}

func TestPending_ThinsAReaderThatWasNotFoundSlowAndForgetsLanesThatItDoesNotNeed(t *testing.T) {
	var p pending
	p.push(frameOf(20), 20)
	if p.thin(); p.loose != nil || p.frames != 1 {
		t.Error("lanes for a frame that must arrive")
	}
	for i := range 5 {
		f := frameFor(droppable, "room", "", i)
		p.push(f, f.size())
	}
	newest := frameFor(droppable, "room", "", 5)
	p.push(newest, newest.size())
	if p.thin(); p.weight != (weight{2, 20 + newest.size()}) {
		t.Errorf("left is %+v", p.weight)
	}
	if p.pop(); p.pop() != newest || p.pop() != nil || p.loose != nil {
		t.Error("left is another than the newest, or its lane")
	}
}
