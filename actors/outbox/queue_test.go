package outbox

import "testing"

func TestSendQueue_TakesAControlFrameItHasNoRoomForOnlyAheadOfEvents(t *testing.T) {
	var q sendQueue
	q.push(frameOf(20), 20)
	f := &controlFrame{Frame: *frameOf(30)}
	if q.sendControl(f, true, false) || q.weight != (weight{1, 20}) || q.control != (controlQueue{}) {
		t.Errorf("a control frame that has to wait behind events was taken without room: %+v", q.weight)
	}
	f = &controlFrame{Frame: *frameOf(30)}
	if !q.sendControl(f, false, false) || q.front() != &f.Frame || q.weight != (weight{2, 50}) {
		t.Errorf("a control frame that goes ahead needs room in the fifo: %+v", q.weight)
	}
}

func TestSendQueue_PrependedFramesGoAheadOfEventsAndBehindControlFrames(t *testing.T) {
	var q sendQueue
	older, newer, control := frameOf(20), frameOf(30), &controlFrame{Frame: *frameOf(40)}
	q.push(newer, 30)
	q.sendControl(control, false, true)
	if bytes := q.prepend([]*Frame{older}); bytes != 20 || q.weight != (weight{3, 90}) {
		t.Errorf("%d bytes, %+v in all", bytes, q.weight)
	}
	for i, want := range []*Frame{&control.Frame, older, newer, nil} {
		if got := q.pop(); got != want {
			t.Errorf("frame %d is another", i)
		}
	}
	if q.acked(3, 90); q != (sendQueue{}) {
		t.Errorf("left when all was written: %+v", q)
	}
}

func TestSendQueue_ShedsForAReaderNotYetFoundSlowAndForgetsTopicQueuesItDoesNotNeed(t *testing.T) {
	var q sendQueue
	q.push(frameOf(20), 20)
	if q.shed(); q.lossy != nil || q.frames != 1 {
		t.Error("a topic queue for a frame that must arrive")
	}
	for i := range 5 {
		f := frameFor(DropOldest, "room", "", i)
		q.push(f, f.Size())
	}
	newest := frameFor(DropOldest, "room", "", 5)
	q.push(newest, newest.Size())
	if q.shed(); q.weight != (weight{2, 20 + newest.Size()}) {
		t.Errorf("left is %+v", q.weight)
	}
	if q.pop(); q.pop() != newest || q.pop() != nil || q.lossy != nil {
		t.Error("left is another frame than the newest, or its topic queue")
	}
}
