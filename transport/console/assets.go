package console

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
)

//go:embed dist
var dist embed.FS

// contentPolicy lets a page load from its own server alone.
const contentPolicy = "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; " +
	"object-src 'none'"

// asset is a built file, as it is and compressed.
type asset struct {
	plain, gzipped []byte
	kind, etag     string
}

// assets serve the built files, and the page itself for every path but those of files: the page has its own routes.
type assets map[string]asset

// newAssets reads the embedded files. It panics if one cannot be read, which the build would have found.
func newAssets() assets {
	all := assets{}
	err := fs.WalkDir(dist, "dist", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := dist.ReadFile(name)
		sum := sha256.Sum256(text)
		all[strings.TrimPrefix(name, "dist")] = asset{
			plain: text, gzipped: compressed(text), kind: mime.TypeByExtension(path.Ext(name)),
			etag: `"` + hex.EncodeToString(sum[:8]) + `"`,
		}
		return err
	})
	if err != nil {
		panic(err)
	}
	return all
}

func compressed(text []byte) []byte {
	var out bytes.Buffer
	to, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		panic(err) // the level is a constant
	}
	to.Write(text) // a buffer takes everything
	to.Close()
	return out.Bytes()
}

// ServeHTTP implements http.Handler.
func (a assets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, "/console")
	found, ok := a[name]
	if !ok && strings.HasPrefix(name, "/assets/") {
		http.NotFound(w, r)
		return
	}
	if !ok {
		found = a["/index.html"]
	}
	h := w.Header()
	h.Set("Content-Type", found.kind)
	h.Set("Cache-Control", "no-cache")
	h.Set("Etag", found.etag)
	h.Set("Vary", "Accept-Encoding")
	if r.Header.Get("If-None-Match") == found.etag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	body := found.plain
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		body = found.gzipped
	}
	w.Write(body) // after an error the browser is gone
}
