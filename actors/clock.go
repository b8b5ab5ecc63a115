package actors

import "time"

// now is what Config.Clock tells. Times that are compared stay as it told them: by Round, Unix or a way to the disk a time
// loses its monotonic reading, and then a wall clock that is set decides what is old.
func (n *Node) now() time.Time { return n.cfg.Clock() }
