package report

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
)

// Write writes the report into dir as name.json and name.svg.
func (r *Report) Write(dir, name string) error {
	text, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	var picture bytes.Buffer
	if err := r.Picture(&picture); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, name+".json"), append(text, '\n'), 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, name+".svg"), picture.Bytes(), 0o644)
}
