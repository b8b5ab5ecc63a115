package server

import (
	"context"
	"sync"
)

// background has the goroutines that run until the server ends.
type background struct {
	ctx     context.Context
	stop    context.CancelFunc // ends ctx, and waits for nobody
	running sync.WaitGroup
}

func newBackground() *background {
	b := &background{}
	b.ctx, b.stop = context.WithCancel(context.Background())
	return b
}

// start runs a function, which returns soon after its context has ended.
func (b *background) start(run func(ctx context.Context)) { b.running.Go(func() { run(b.ctx) }) }

// wait returns when all have ended.
func (b *background) wait() { b.running.Wait() }
