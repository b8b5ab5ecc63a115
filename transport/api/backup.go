package api

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

// backupPause is how long whoever takes a backup may read nothing of it.
const backupPause = time.Minute

// backup does POST /api/v1/admin/backup. The archive is written as it is made, for as long as that takes; what goes wrong
// after its beginning ends the connection, and the archive lacks its end.
func (a *API) backup(_ context.Context, rc *requestContext) error {
	if rc.r.URL.RawQuery != "" {
		return protocol.Refuse(protocol.Malformed, "this call has no query parameters")
	}
	if a.cfg.Backup == nil {
		return protocol.Refuse(protocol.NotFound, "this server has no data directory (data), so there is nothing to back up")
	}
	out := &archive{w: rc.w, control: http.NewResponseController(rc.w)}
	began := time.Now()
	err := a.cfg.Backup(rc.r.Context(), out)
	switch {
	case err != nil && out.bytes == 0:
		return err
	case err != nil:
		a.cfg.Logger.Error("a backup was not finished", "bytes", out.bytes, "cause", err)
		panic(http.ErrAbortHandler)
	}
	rc.written = true
	a.cfg.Logger.Info("an operator made a backup", "bytes", out.bytes, "took", time.Since(began).Round(time.Millisecond))
	return nil
}

// archive is the body of the answer. Its header goes out with the first byte.
type archive struct {
	w       http.ResponseWriter
	control *http.ResponseController
	bytes   int64
}

var _ io.Writer = (*archive)(nil)

// Write implements io.Writer.
func (ar *archive) Write(p []byte) (int, error) {
	if ar.bytes == 0 {
		h := ar.w.Header()
		h["Content-Type"], h["Cache-Control"], h["X-Content-Type-Options"] = []string{"application/x-tar"}, noStore, noSniff
	}
	_ = ar.control.SetWriteDeadline(time.Now().Add(backupPause)) // not every ResponseWriter can; the server's own can
	n, err := ar.w.Write(p)
	ar.bytes += int64(n)
	return n, err
}
