package run

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/parley-realtime/parley/bench/loadgen"
	"github.com/parley-realtime/parley/bench/target"
)

const (
	// loginKeyFile has the key of the tokens of logins, for servers that read it from a file.
	loginKeyFile = "bin/bench/login.pem"
	// loginWidth is how many clients log in at once.
	loginWidth = 512
	// longestStorm bounds the time that all logins may take.
	longestStorm = time.Minute
)

// prepareLogins signs the tokens of the logins beforehand, and writes their key. They are clients n from 1, too, but
// other users than the subscribers.
func (m *measurement) prepareLogins(root string) ([]string, error) {
	if m.of.Logins == 0 {
		return nil, nil
	}
	all := make([]string, m.of.Logins+1)
	exp := time.Now().Add(24 * time.Hour).Unix()
	for n := 1; n <= m.of.Logins; n++ {
		var err error
		if all[n], err = m.target.Login.Sign(&target.Values{N: m.of.Clients + n, Exp: exp}); err != nil {
			return nil, err
		}
	}
	file := filepath.Join(root, loginKeyFile)
	return all, errors.Join(os.MkdirAll(filepath.Dir(file), 0o755),
		os.WriteFile(file, []byte(target.LoginKey()), 0o644))
}

// storm has further clients log in while events are published, until all of them are in.
func (m *measurement) storm(ctx context.Context, tokens []string) error {
	logins, err := loadgen.New(m.stormPlan(tokens))
	if err != nil {
		return err
	}
	defer logins.Close()
	stormCtx, over := context.WithCancel(ctx)
	var entering sync.WaitGroup
	var took time.Duration
	var failed error
	entering.Go(func() {
		defer over()
		began := time.Now()
		failed = logins.Connect(1, m.of.Logins)
		took = time.Since(began)
	})
	f, err := m.load(stormCtx, longestStorm)
	entering.Wait()
	if err := errors.Join(failed, err, ctx.Err()); err != nil {
		return err
	}
	m.figures[Logins] = float64(m.of.Logins) / took.Seconds()
	m.figures[Storm] = float64(f.seen.Latency.ValueAtQuantile(99)) / 1000
	m.figures[Delay] = m.figures[Storm] / m.figures[Tail]
	return nil
}

func (m *measurement) stormPlan(tokens []string) loadgen.Plan {
	plan := m.plan(&m.target.Login.Client, tokens)
	plan.Width = loginWidth
	return plan
}
