package conformance

import "fmt"

// Group 14: violations on a connection with permessage-deflate (RFC 7692 sections 6 and 7.2.2).
func brokenDeflate(c *collection) {
	g := c.group("14", "permessage-deflate violations", "RFC 7692 6").offering(usualLevel, usual)
	breaks := func(title string, codes []int, frames ...frame) { g.live(title, send(frames...), violated(codes)) }

	for _, rsv := range []byte{1, 2, 3} {
		breaks(fmt.Sprintf("RSV=%d on text with the extension on", rsv), protocolError, text("x").reserved(rsv))
	}
	for _, rsv := range []byte{5, 6, 7} {
		bad := text("hello").deflated()
		breaks(fmt.Sprintf("RSV=%d on text with the extension on", rsv), protocolError, bad.reserved(rsv))
	}
	for _, f := range []frame{ping([]byte("x")), message(opPong, []byte("x")), closing(1000, "")} {
		breaks(fmt.Sprintf("RSV1 on a %s frame", f.op), protocolError, f.reserved(rsv1))
	}
	g.live("RSV1 on a continuation", func(p *peer) error {
		all := p.deflatedFragments(opText, prose(400), 50)
		return send(all[0], continuation("x").reserved(rsv1))(p)
	}, violated(protocolError))
	breaks("RSV1 on a continuation of a plain message", protocolError,
		text("plain").unfinished(), continuation("x").reserved(rsv1))

	g.section = "RFC 7692 7.2.2"
	squeezed := func(payload string) frame { return message(opBinary, []byte(payload)).reserved(rsv1) }
	breaks("noise where DEFLATE data should be", badCompression, message(opBinary, filled(0xff, 40)).reserved(rsv1))
	breaks("DEFLATE block of the reserved type", badCompression, squeezed("\x06\x00\x00"))
	breaks("back-reference before the start of data", badCompression, squeezed(string(reachingBack())))
	breaks("stored block with a wrong length check", badCompression, squeezed("\x00\x05\x00\x00\x00hello"))
	breaks("compressed text that is not UTF-8", badData, text("ok \xff\xfe").deflated())
	g.live("DEFLATE data cut short", cutShort)

	g.section = "RFC 6455 10.4"
	g.live("message that inflates to 2x --max-message", bomb(2, 0))
	g.live("message that inflates to 20x --max-message", bomb(20, 0))
	g.live("fragmented message that inflates to 8x --max-message", bomb(8, 1024))
}

func filled(b byte, n int) []byte {
	all := zeros(n)
	for i := range all {
		all[i] = b
	}
	return all
}

// reachingBack is a fixed block that begins with a reference to the byte before: length code 257, distance code 0.
func reachingBack() []byte {
	var b bitWriter
	b.write(1<<1, 3)
	b.fixed(257)
	b.code(0, 5)
	b.fixed(256)
	return b.bytes
}

// cutShort leaves out most of a compressed message. Many servers take it for a shorter one.
func cutShort(p *peer) error {
	payload := p.deflate.compress(noise(500))[:100]
	err := all(send(message(opBinary, payload).reserved(rsv1)), violated(badCompression))(p)
	if wasIgnored(err) {
		return weak("DEFLATE data cut short went unnoticed: %v", err)
	}
	return err
}

// bomb is a small message that becomes a large one.
func bomb(factor, size int) step {
	return func(p *peer) error {
		bomb := p.deflatedFragments(opBinary, zeros(p.MaxMessage*factor), size)
		err := all(sendEach(bomb...), violated(tooBig))(p)
		if code := closeCodeOf(err); code == 1008 || code == 1011 {
			return weak("%v", err)
		}
		return err
	}
}
