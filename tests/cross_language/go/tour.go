package main

// Calls all ten operations of a sandbox whose clock is advanced manually.

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"example.com/infrai/video"
)

type tourReport struct{ operations, errors, pages, bytes int }

// counter records which operations were called.
type counter struct{ called map[string]bool }

func (c counter) RoundTrip(request *http.Request) (*http.Response, error) {
	c.called[strings.Split(request.URL.Path, "/")[3]] = true
	return http.DefaultTransport.RoundTrip(request)
}

func tour(baseURL, apiKey string) tourReport {
	client, ctx := connect(baseURL, apiKey)
	called := map[string]bool{}
	client.GetConfig().HTTPClient = &http.Client{Transport: counter{called}}

	check(len(must(capabilities(ctx, client)).Vendors) > 0, "no vendors")

	first := must(generate(ctx, client))
	again := must(generate(ctx, client))
	check(again.JobId == first.JobId, "one key made two jobs")

	small := start(ctx, client, "small")
	waitFor(ctx, client, baseURL, small)
	check(must(get(ctx, client, small)).GetResolution() == "720p", "another resolution")
	check(must(setRetention(ctx, client, small)).GetRetentionDays() == 30, "another retention")
	bytes := download(must(downloadURL(ctx, client, small)).GetUrl())

	days := *video.NewSetRetentionRequest(91)
	_, response, err := client.ClipsAPI.VideoSetRetention(ctx, small).SetRetentionRequest(days).Execute()
	check(response.StatusCode == 422 && errorCode(err) == "VALIDATION_FAILED", "91 days: %v", err)
	_, response, err = client.JobsAPI.VideoStatus(ctx, "vj_none").Execute()
	check(response.StatusCode == 404 && errorCode(err) == "NOT_FOUND", "no such job: %v", err)

	late := start(ctx, client, "late")
	start(ctx, client, "fourth")
	start(ctx, client, "fifth")
	pages := must(list(ctx, client))
	seen := map[string]bool{}
	for _, page := range pages {
		for _, job := range page {
			seen[job.JobId] = true
		}
	}
	check(len(pages) == 3 && len(seen) == 5, "%d pages of %d jobs", len(pages), len(seen))

	check(must(cancel(ctx, client, late)).GetOk(), "not cancelled")
	check(must(status(ctx, client, late)).State == "cancelled", "another state")
	check(must(remove(ctx, client, late)).GetOk(), "not deleted")
	check(must(removeAll(ctx, client)).GetDeleted() == 4, "not all deleted")
	return tourReport{operations: len(called), errors: 2, pages: len(pages), bytes: bytes}
}

// start starts the job of a short, small clip.
func start(ctx context.Context, client *video.APIClient, key string) string {
	request := video.NewGenerateRequest("a city")
	request.SetDurationSeconds(0.2)
	request.SetAspectRatio(video.Square)
	request.SetResolution("720p")
	response, _, err := client.JobsAPI.VideoGenerate(ctx).GenerateRequest(*request).IdempotencyKey("go-" + key).Execute()
	return must(response, err).Data.JobId
}

func waitFor(ctx context.Context, client *video.APIClient, baseURL, jobID string) {
	for range 1000 {
		switch state := must(status(ctx, client, jobID)).State; state {
		case "succeeded":
			return
		case "failed", "cancelled":
			check(false, "the job is %s", state)
		default: // An unknown state is not final.
			clock := strings.NewReader(`{"advance_seconds": 2}`)
			response := must(http.Post(baseURL+"/__sandbox/clock", "application/json", clock))
			must(0, response.Body.Close())
		}
	}
	check(false, "%s does not finish", jobID)
}

// download downloads a clip without the API key, and returns its length in bytes.
func download(url string) int {
	response := must(http.Get(url))
	defer response.Body.Close()
	clip := must(io.ReadAll(response.Body))
	check(response.StatusCode == 200 && int64(len(clip)) == response.ContentLength, "status %d, %d bytes", response.StatusCode, len(clip))
	check(string(clip[4:8]) == "ftyp", "no MP4")
	return len(clip)
}

// errorCode returns the code in the envelope of a failed call.
func errorCode(err error) string {
	var failure *video.GenericOpenAPIError
	if !errors.As(err, &failure) {
		return ""
	}
	envelope, ok := failure.Model().(video.ErrorEnvelope)
	if !ok {
		return ""
	}
	return envelope.Error.Code
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func check(good bool, format string, arguments ...any) {
	if !good {
		panic(fmt.Sprintf(format, arguments...))
	}
}
