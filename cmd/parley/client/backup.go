package client

import (
	"context"
	"fmt"
	"io"
	"net/http"
)

// Backup has a server make a backup, by its internal address, and writes the archive; the key is the admin key, "" if
// there is none. It takes as long as the archive does, and ends with the context. That the archive is whole is for the
// caller to check. Errors are sentences.
func Backup(ctx context.Context, base, key string, to io.Writer) error {
	archive, err := API{Base: base, Key: key}.open(ctx, http.MethodPost, "/api/v1/admin/backup", nil, nil)
	if err != nil {
		return err
	}
	defer archive.Close()
	if _, err := io.Copy(to, archive); err != nil {
		return fmt.Errorf("the archive broke off: %w", err)
	}
	return nil
}
