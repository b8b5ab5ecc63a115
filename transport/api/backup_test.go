package api

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/parley-realtime/parley/protocol"
)

const backupPath = "/api/v1/admin/backup"

func TestBackup_IsForOperatorsAndStreamsAnArchive(t *testing.T) {
	h := newTestAPI(t, Config{AdminKey: "k1"})
	if a := h.call("POST", backupPath, ""); a.status != 200 || a.body != "an archive" ||
		a.header.Get("Content-Type") != "application/x-tar" {
		t.Errorf("%+v", a)
	}
	strange := request("POST", backupPath, "")
	strange.Header.Set("Authorization", "Bearer k2")
	h.do(strange).refuses(protocol.InvalidToken)
	if !strings.Contains(h.log.String(), "an operator made a backup") {
		t.Errorf("the log has no word of it: %s", h.log)
	}
	h.node.fail = &protocol.Refusal{Reason: protocol.StorageFull}
	h.call("POST", backupPath, "").refuses(protocol.StorageFull)
	none := New(Config{}, h.node, fakeKeys{})
	w := httptest.NewRecorder()
	none.Internal().ServeHTTP(w, request("POST", backupPath, ""))
	if w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), "no data directory") {
		t.Errorf("without data: %d %s", w.Code, w.Body)
	}
}

// An archive that cannot be finished does not end like one that is whole.
func TestBackup_OneThatFailsOnTheWayBreaksOff(t *testing.T) {
	h := newTestAPI(t, Config{Backup: func(_ context.Context, to io.Writer) error {
		_, err := io.WriteString(to, strings.Repeat("x", 100_000))
		return errors.Join(err, errors.New("the disk is gone"))
	}})
	server := httptest.NewServer(h.Internal())
	defer server.Close()
	response, err := http.Post(server.URL+backupPath, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if got, err := io.ReadAll(response.Body); err == nil {
		t.Errorf("%d bytes came as if they were all", len(got))
	}
	server.Close() // waits for the handler
	if log := h.log.String(); !strings.Contains(log, "the disk is gone") || strings.Contains(log, "panic") {
		t.Errorf("log: %s", log)
	}
}
