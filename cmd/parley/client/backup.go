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
	u, err := endpoint(base, "http", "/api/v1/admin/backup")
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), http.NoBody)
	if err != nil {
		return err
	}
	if key != "" {
		request.Header.Set("Authorization", "Bearer "+key)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		answer, _ := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
		return refusal(response.Status, answer)
	}
	if _, err := io.Copy(to, response.Body); err != nil {
		return fmt.Errorf("the archive broke off: %w", err)
	}
	return nil
}
