package jwks

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// answers answers requests as a test says, in the test's bubble.
type answers struct {
	mu    sync.Mutex
	asked []time.Time
	give  func(*http.Request) (*http.Response, error)
}

func (a *answers) RoundTrip(r *http.Request) (*http.Response, error) {
	a.mu.Lock()
	a.asked = append(a.asked, time.Now())
	give := a.give
	a.mu.Unlock()
	return give(r)
}

func (a *answers) will(give func(*http.Request) (*http.Response, error)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.give = give
}

func (a *answers) count() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.asked)
}

// says answers 200 with a document and headers, given as name, value, name, value.
func says(document string, headers ...string) func(*http.Request) (*http.Response, error) {
	return func(*http.Request) (*http.Response, error) {
		header := http.Header{}
		for i := 0; i < len(headers); i += 2 {
			header.Add(headers[i], headers[i+1])
		}
		return &http.Response{StatusCode: http.StatusOK, Header: header,
			Body: io.NopCloser(strings.NewReader(document))}, nil
	}
}

func fails(*http.Request) (*http.Response, error) { return nil, errors.New("connection refused") }

// hangs answers when the request is given up.
func hangs(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// follow runs a Refresher in a bubble; taken are the documents that it handed over.
func follow(t *testing.T, a *answers, test func(s *Refresher, taken *[]string)) {
	synctest.Test(t, func(t *testing.T) {
		var taken []string
		s, err := New(Config{URL: "https://id.example/jwks?key=hush", Transport: a}, func(document []byte) error {
			if string(document) == "garbage" {
				return errors.New("no key set")
			}
			taken = append(taken, string(document))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		s.Start()
		var running sync.WaitGroup
		running.Go(func() { s.Run(ctx) })
		synctest.Wait()
		test(s, &taken)
		stop()
		running.Wait()
	})
}

// F25: the cache headers decide when the set is fetched again, within bounds.
func TestRefresher_IsFetchedAgainAsItsHeadersSay(t *testing.T) {
	for name, c := range map[string]struct {
		headers []string
		again   time.Duration
	}{
		"nothing": {nil, defaultAge},
		"max-age": {[]string{"Cache-Control", "public, max-age=600"}, 10 * time.Minute},
		"aged":    {[]string{"Cache-Control", "max-age=600", "Age", "120"}, 8 * time.Minute},
		"several lines": {[]string{"Cache-Control", "public", "Cache-Control", "Max-Age=\"900\""},
			15 * time.Minute},
		"too short":      {[]string{"Cache-Control", "max-age=1"}, minAge},
		"too long":       {[]string{"Cache-Control", "max-age=31536000"}, maxAge},
		"beyond all":     {[]string{"Cache-Control", "max-age=99999999999999999999"}, maxAge},
		"negative":       {[]string{"Cache-Control", "max-age=-1"}, minAge},
		"no number":      {[]string{"Cache-Control", "max-age=soon"}, minAge},
		"no-store":       {[]string{"Cache-Control", "no-store"}, minAge},
		"no-cache first": {[]string{"Cache-Control", "no-cache, max-age=600"}, minAge},
		"expires by date": {[]string{"Expires", "Wed, 21 Oct 2015 07:48:00 GMT", "Date",
			"Wed, 21 Oct 2015 07:28:00 GMT"}, 20 * time.Minute},
		// bubbles begin at midnight
		"expires by us":     {[]string{"Expires", "Sat, 01 Jan 2000 00:30:00 GMT"}, 30 * time.Minute},
		"expires is broken": {[]string{"Expires", "0"}, minAge},
		"max-age wins": {[]string{"Expires", "Sat, 01 Jan 2000 00:30:00 GMT", "Cache-Control", "max-age=120"},
			2 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			a := &answers{give: says("set", c.headers...)}
			follow(t, a, func(s *Refresher, taken *[]string) {
				time.Sleep(c.again - time.Second)
				synctest.Wait()
				if n := a.count(); n != 1 {
					t.Fatalf("fetched %d times before %s", n, c.again)
				}
				time.Sleep(time.Second)
				synctest.Wait()
				if n := a.count(); n != 2 || len(*taken) != 1 {
					t.Errorf("fetched %d times and taken %d at %s; the same document is taken once", n, len(*taken),
						c.again)
				}
			})
		})
	}
}

// F25: the last good set stays while the source fails, in whatever way; it is tried again, less and less often.
func TestRefresher_KeepsWhatItHasWhileTheSourceFails(t *testing.T) {
	for name, give := range map[string]func(*http.Request) (*http.Response, error){
		"refused": fails, "hanging": hangs, "garbage": says("garbage"),
		"too large": says(strings.Repeat("x", maxDocument+1)),
		"endless": func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(endless{r.Context()})}, nil
		},
		"500": func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 500, Body: io.NopCloser(strings.NewReader("set of errors"))}, nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := &answers{give: says("first", "Cache-Control", "max-age=60")}
			follow(t, a, func(s *Refresher, taken *[]string) {
				a.will(give)
				time.Sleep(10 * time.Minute)
				synctest.Wait()
				f := s.Stats()
				if fmt.Sprint(*taken) != "[first]" || f.Failures < f.Fetches-2 ||
					f.Age.Round(time.Second) != 10*time.Minute {
					t.Errorf("taken %v, %+v", *taken, f)
				}
				if f.Failures < 9 || f.Failures > 40 {
					t.Errorf("tried %d times in 9 minutes", f.Failures)
				}
				a.will(says("second"))
				time.Sleep(maxRetry + timeout)
				synctest.Wait()
				if f := s.Stats(); fmt.Sprint(*taken) != "[first second]" || f.Age > maxRetry+timeout {
					t.Errorf("back: taken %v, %+v", *taken, f)
				}
			})
		})
	}
}

// endless gives a byte a second for ever.
type endless struct{ ctx context.Context }

func (e endless) Read(p []byte) (int, error) {
	select {
	case <-time.After(time.Second):
		p[0] = ' '
		return 1, nil
	case <-e.ctx.Done():
		return 0, e.ctx.Err()
	}
}

// F25: for unknown keys the set is fetched at most once in 30 s, however many ask, and all callers wait for that fetch.
func TestRefresher_UnknownKeysFetchItOnceInThirtySeconds(t *testing.T) {
	a := &answers{give: says("set", "Cache-Control", "max-age=3600")}
	follow(t, a, func(s *Refresher, _ *[]string) {
		a.will(func(r *http.Request) (*http.Response, error) {
			time.Sleep(2 * time.Second)
			return says("set", "Cache-Control", "max-age=3600")(r)
		})
		for round := range 3 {
			began := time.Now()
			var all sync.WaitGroup
			for range 100 {
				all.Go(func() {
					fetched := s.Refetch()
					if fetched == nil {
						t.Error("nothing to wait for")
						return
					}
					<-fetched
				})
			}
			all.Wait()
			if took := time.Since(began); took != 2*time.Second {
				t.Errorf("they waited for %s", took)
			}
			for range 100 {
				if s.Refetch() != nil {
					t.Error("fetched again at once")
				}
			}
			time.Sleep(29*time.Second - time.Since(began))
			if s.Refetch() != nil {
				t.Error("fetched again within 30 s")
			}
			time.Sleep(time.Second)
			synctest.Wait()
			if n := a.count(); n != round+2 {
				t.Errorf("fetched %d times", n)
			}
		}
	})
}

// F25: a caller during the first fetch waits for it; where nothing is fetched, there is nothing to wait for.
func TestRefresher_TheFirstFetchCanBeWaitedFor(t *testing.T) {
	a := &answers{give: hangs}
	var after *Refresher
	follow(t, a, func(s *Refresher, _ *[]string) {
		fetched := s.Refetch()
		began := time.Now()
		<-fetched
		if took := time.Since(began); took != timeout {
			t.Errorf("waited for %s", took)
		}
		after = s
	})
	if after.Refetch() != nil {
		t.Error("a source that has ended makes wait")
	}
	s, err := New(Config{URL: "https://id.example/jwks", Transport: a}, nil)
	if err != nil || s.Refetch() != nil {
		t.Errorf("a source that has not begun makes wait, %v", err)
	}
}

// F25: https, or http on loopback; no error repeats the address.
func TestCheckURL_WantsHTTPSOrLoopback(t *testing.T) {
	for url, sound := range map[string]bool{
		"https://id.example/jwks": true, "https://id.example:8443/jwks?tenant=1": true, "http://127.0.0.1:1/": true,
		"http://[::1]/x":             true,
		"http://localhost:8080/jwks": true, "http://id.example/jwks": false, "http://127.0.0.1.example/": false,
		"http://localhost.example/": false,
		"ftp://id.example/hush":     false, "file:///etc/hush": false, "/hush": false, "https://": false,
		"https://u:hush@id.example/": false,
		"https://id.example/#hush":   false, "https://%zz/hush": false, "": false, "http://0.0.0.0/hush": false,
	} {
		err := CheckURL(url)
		if (err == nil) != sound {
			t.Errorf("%s: %v", url, err)
		}
		if err != nil && strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: %v repeats it", url, err)
		}
		if _, made := New(Config{URL: url}, nil); (made == nil) != sound {
			t.Errorf("%s: New %v", url, made)
		}
	}
}
