// The reader reads the body of each case in CASES with its generated type, encodes it again, and writes the results to READ.
package main

import (
	"encoding/json"
	"os"

	openapi "github.com/GIT_USER_ID/GIT_REPO_ID"
)

var types = map[string]func() any{
	"AcknowledgementEnvelope":   func() any { return &openapi.AcknowledgementEnvelope{} },
	"DeleteAllResultEnvelope":   func() any { return &openapi.DeleteAllResultEnvelope{} },
	"DownloadLinkEnvelope":      func() any { return &openapi.DownloadLinkEnvelope{} },
	"ErrorEnvelope":             func() any { return &openapi.ErrorEnvelope{} },
	"RetentionEnvelope":         func() any { return &openapi.RetentionEnvelope{} },
	"VideoCapabilitiesEnvelope": func() any { return &openapi.VideoCapabilitiesEnvelope{} },
	"VideoJobDetailEnvelope":    func() any { return &openapi.VideoJobDetailEnvelope{} },
	"VideoJobEnvelope":          func() any { return &openapi.VideoJobEnvelope{} },
	"VideoJobPageEnvelope":      func() any { return &openapi.VideoJobPageEnvelope{} },
}

func main() {
	var cases []struct {
		Schema string
		Body   json.RawMessage
	}
	check(json.Unmarshal(must(os.ReadFile(os.Getenv("CASES"))), &cases))
	read := []any{}
	for _, one := range cases {
		value := types[one.Schema]()
		check(json.Unmarshal(one.Body, value))
		read = append(read, value)
	}
	written := must(json.Marshal(map[string]any{"openapi-generator": read}))
	check(os.WriteFile(os.Getenv("READ"), written, 0o644))
}

func must[T any](value T, err error) T {
	check(err)
	return value
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
