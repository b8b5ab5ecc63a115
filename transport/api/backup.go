package api

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/parley-realtime/parley/protocol"
)

// backupPause is how long the client of a backup may read nothing.
const backupPause = time.Minute

// backup does POST /api/v1/admin/backup. It streams the archive while it is made, for as long as that takes. An error
// behind the first byte ends the connection, so that the archive lacks its end.
func (a *API) backup(_ context.Context, rc *requestContext) error {
	if rc.r.URL.RawQuery != "" {
		return protocol.Refuse(protocol.Malformed, "this call has no query parameters")
	}
	if a.cfg.Backup == nil {
		return protocol.Refuse(protocol.NotFound,
			"this server has no data directory (data), so there is nothing to back up")
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
	took := time.Since(began).Round(time.Millisecond)
	a.cfg.Logger.Info("an operator made a backup", "bytes", out.bytes, "took", took)
	return nil
}

// archive is the body of the response. The headers go out with its first byte.
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
		h["Content-Type"] = []string{"application/x-tar"}
		h["Cache-Control"], h["X-Content-Type-Options"] = noStore, noSniff
	}
	// Not every ResponseWriter can do this; the server's own can.
	_ = ar.control.SetWriteDeadline(time.Now().Add(backupPause))
	n, err := ar.w.Write(p)
	ar.bytes += int64(n)
	return n, err
}
