// Package taskqueue does what an actor asks for while the actor goes on: one task after the other, in their order, on a
// goroutine that lives while there are tasks.
package taskqueue

import "sync"

// Queue holds the tasks of one actor. The zero Queue is ready. Any goroutine may use it.
type Queue struct {
	mu      sync.Mutex
	tasks   []func() // that have not begun
	running bool
}

// Add has a task done behind those before it, and reports false if most tasks wait already. It does not block. start
// starts a goroutine, for which its owner waits at the end; a task has to end by itself.
func (q *Queue) Add(most int, start func(func()), task func()) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.tasks) >= most {
		return false
	}
	q.tasks = append(q.tasks, task)
	if !q.running {
		q.running = true
		start(q.run)
	}
	return true
}

// run does all tasks that there are.
func (q *Queue) run() {
	for task := q.next(); task != nil; task = q.next() {
		task()
	}
}

// next takes the first task, and ends the goroutine if there is none.
func (q *Queue) next() func() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.running = len(q.tasks) > 0; !q.running {
		q.tasks = nil
		return nil
	}
	task := q.tasks[0]
	q.tasks[0], q.tasks = nil, q.tasks[1:]
	return task
}
