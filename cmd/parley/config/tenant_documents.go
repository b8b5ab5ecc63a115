package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/parley-realtime/parley/protocol"
	"github.com/parley-realtime/parley/protocol/rawjson"
	"github.com/parley-realtime/parley/transport/api"
)

// maxDocuments is how many documents an outpost may have.
const maxDocuments = 1000

// OutpostDocuments are what its outposts are answered, by uuid, with the files read. The error names the outpost.
func (t *Tenant) OutpostDocuments() (map[string]api.Documents, error) {
	var all map[string]api.Documents
	for i := range t.Outposts {
		o := &t.Outposts[i]
		if o.Documents == "" {
			continue
		}
		documents, err := readDocuments(o.Documents)
		if err != nil {
			return nil, fmt.Errorf("tenant %s: outposts[%d].documents: %w", t.Name, i, err)
		}
		if all == nil {
			all = map[string]api.Documents{}
		}
		all[o.UUID] = documents
	}
	return all, nil
}

// readDocuments reads a directory of JSON files, whose names are their paths, or one file with all of them.
func readDocuments(name string) (api.Documents, error) {
	info, err := os.Stat(name)
	switch {
	case err != nil:
		return nil, errors.New(cause(err))
	case info.IsDir():
		return readDocumentDir(name)
	}
	text, err := readBounded(name)
	if err != nil {
		return nil, errors.New(cause(err))
	}
	members, err := rawjson.ReadObject(text)
	if err != nil {
		return nil, fmt.Errorf("must be a JSON object of documents by path: %w", err)
	}
	documents := api.Documents{}
	for _, m := range members {
		if err := addDocument(documents, m.Name, m.Value); err != nil {
			return nil, err
		}
	}
	return documents, nil
}

// readDocumentDir passes over names that begin with a dot, which are an editor's or Kubernetes'.
func readDocumentDir(name string) (api.Documents, error) {
	documents := api.Documents{}
	root := os.DirFS(name)
	err := fs.WalkDir(root, ".", func(file string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return errors.New(cause(err))
		case file != "." && strings.HasPrefix(entry.Name(), "."):
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		case entry.IsDir():
			return nil
		case !entry.Type().IsRegular() && entry.Type() != fs.ModeSymlink:
			return fmt.Errorf("has %s, which is no file", protocol.Quote(file))
		}
		at, isJSON := strings.CutSuffix(file, ".json")
		if !isJSON {
			return fmt.Errorf("has a file %s, whose name does not end with .json", protocol.Quote(file))
		}
		text, err := readBounded(path.Join(name, file))
		if err != nil {
			return fmt.Errorf("its file %s %s", protocol.Quote(file), cause(err))
		}
		return addDocument(documents, at, text)
	})
	return documents, err
}

func addDocument(to api.Documents, at string, text []byte) error {
	at = strings.Trim(strings.TrimPrefix(strings.TrimPrefix(at, "/"), "api/v3/"), "/")
	text = []byte(strings.TrimSpace(string(text)))
	switch err := rawjson.Check(text); {
	case !fs.ValidPath(at) || at == ".":
		return fmt.Errorf("has a path %s, which is none below /api/v3/", protocol.Quote(at))
	case err != nil:
		return fmt.Errorf("what it has for %s is not JSON: %w", protocol.Quote(at), err)
	case to[at] != nil:
		return fmt.Errorf("has %s twice", protocol.Quote(at))
	case len(to) == maxDocuments:
		return fmt.Errorf("has more than %d documents", maxDocuments)
	}
	to[at] = text
	return nil
}
