package outbox

import "testing"

func TestSendQueue_TakesAControlFrameItHasNoRoomForOnlyAheadOfEvents(t *testing.T) {
	var p sendQueue
	p.push(frameOf(20), 20)
	if a := (&controlFrame{Frame: *frameOf(30)}); p.sendControl(a, true, false) || p.weight != (weight{1, 20}) || p.control != (controlQueue{}) {
		t.Errorf("what is to be behind the line is there without room: %+v", p.weight)
	}
	if a := (&controlFrame{Frame: *frameOf(30)}); !p.sendControl(a, false, false) || p.front() != &a.Frame || p.weight != (weight{2, 50}) {
		t.Errorf("what goes ahead needs room in the line: %+v", p.weight)
	}
}

func TestSendQueue_PrependedFramesGoAheadOfEventsAndBehindControlFrames(t *testing.T) {
	var p sendQueue
	older, newer, said := frameOf(20), frameOf(30), &controlFrame{Frame: *frameOf(40)}
	p.push(newer, 30)
	p.sendControl(said, false, true)
	if bytes := p.prepend([]*Frame{older}); bytes != 20 || p.weight != (weight{3, 90}) {
		t.Errorf("%d bytes, %+v in all", bytes, p.weight)
	}
	for i, want := range []*Frame{&said.Frame, older, newer, nil} {
		if got := p.pop(); got != want {
			t.Errorf("frame %d is another", i)
		}
	}
	if p.acked(3, 90); p != (sendQueue{}) {
		t.Errorf("left when all was written: %+v", p)
	}
}

func TestSendQueue_ShedsForAReaderNotYetFoundSlowAndForgetsTopicQueuesItDoesNotNeed(t *testing.T) {
	var p sendQueue
	p.push(frameOf(20), 20)
	if p.shed(); p.lossy != nil || p.frames != 1 {
		t.Error("lanes for a frame that must arrive")
	}
	for i := range 5 {
		f := frameFor(DropOldest, "room", "", i)
		p.push(f, f.Size())
	}
	newest := frameFor(DropOldest, "room", "", 5)
	p.push(newest, newest.Size())
	if p.shed(); p.weight != (weight{2, 20 + newest.Size()}) {
		t.Errorf("left is %+v", p.weight)
	}
	if p.pop(); p.pop() != newest || p.pop() != nil || p.lossy != nil {
		t.Error("left is another than the newest, or its lane")
	}
}
