package authentik

import "embed"

// Transcripts are the stories of both dialects, in a folder for each.
//
//go:embed transcripts/client/*.txt transcripts/outpost/*.txt
var Transcripts embed.FS
