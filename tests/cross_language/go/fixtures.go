package main

// Sends the request of each fixture with the generated client, and checks that it decodes the response.

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"example.com/infrai/video"
)

const fixtureKey = "ifr_pk_proj_fixture"

type fixtureFile struct {
	Operation string
	Cases     []golden
}

// send calls an operation with the arguments that produce the golden request.
func send(ctx context.Context, client *video.APIClient, operation string, golden golden) (any, *http.Response, error) {
	id := golden.Request.Path[strings.LastIndex(golden.Request.Path, "/")+1:]
	key := golden.Request.Headers["Idempotency-Key"]
	switch operation {
	case "video_generate":
		body := decoded[video.GenerateRequest](golden.Request.Body)
		return client.JobsAPI.VideoGenerate(ctx).GenerateRequest(body).IdempotencyKey(key).Execute()
	case "video_status":
		return client.JobsAPI.VideoStatus(ctx, id).Execute()
	case "video_cancel":
		body := decoded[video.CancelRequest](golden.Request.Body)
		return client.JobsAPI.VideoCancel(ctx, id).CancelRequest(body).IdempotencyKey(key).Execute()
	case "video_get":
		return client.JobsAPI.VideoGet(ctx, id).Execute()
	case "video_list":
		limit := int32(golden.Request.Query["limit"].(float64))
		return client.JobsAPI.VideoList(ctx).Cursor(golden.Request.Query["cursor"].(string)).Limit(limit).Execute()
	case "video_delete":
		return client.ClipsAPI.VideoDelete(ctx, id).IdempotencyKey(key).Execute()
	case "video_delete_all":
		body := decoded[map[string]any](golden.Request.Body)
		return client.ClipsAPI.VideoDeleteAll(ctx).Body(body).IdempotencyKey(key).Execute()
	case "video_download_url":
		return client.ClipsAPI.VideoDownloadUrl(ctx, id).Execute()
	case "video_set_retention":
		body := decoded[video.SetRetentionRequest](golden.Request.Body)
		return client.ClipsAPI.VideoSetRetention(ctx, id).SetRetentionRequest(body).IdempotencyKey(key).Execute()
	case "video_capabilities":
		return client.VendorsAPI.VideoCapabilities(ctx).Execute()
	}
	panic("the operation " + operation + " is unknown here; add it")
}

// checkFixtures checks every case in the directory, and returns their number.
func checkFixtures(directory string) int {
	server := newGoldenServer()
	defer server.Close()
	client, ctx := connect(server.URL, fixtureKey)
	checked := 0
	for _, path := range must(filepath.Glob(filepath.Join(directory, "*.json"))) {
		file := decoded[fixtureFile](must(os.ReadFile(path)))
		for _, golden := range file.Cases {
			server.expect(golden, func() {
				body, response, err := send(ctx, client, file.Operation, golden)
				check(response != nil, "%s %s: %v", file.Operation, golden.Name, err)
				if golden.Response.Status >= 400 {
					body = failure(err).Model().(video.ErrorEnvelope)
				} else {
					must(0, err)
				}
				encoded := must(json.Marshal(body))
				same := reflect.DeepEqual(plain(encoded), plain(golden.Response.Body))
				check(same, "%s %s: %s", file.Operation, golden.Name, encoded)
				check(response.StatusCode == golden.Response.Status, "%s: status %d", golden.Name, response.StatusCode)
				retry := response.Header.Get("Retry-After")
				check(retry == golden.Response.Headers["Retry-After"], "%s: Retry-After: %s", golden.Name, retry)
			})
			checked++
		}
	}
	return checked
}

// checkSurprises checks responses that a later server may send: an unknown state, an unknown error code and status, and
// extra fields.
func checkSurprises(directory string) int {
	server := newGoldenServer()
	defer server.Close()
	client, ctx := connect(server.URL, fixtureKey)
	surprise := decoded[fixtureFile](must(os.ReadFile(filepath.Join(directory, "video_status.json")))).Cases[0]
	request := func(status int, body string) (any, error) {
		surprise.Response.Status, surprise.Response.Body = status, json.RawMessage(body)
		var response any
		var err error
		server.expect(surprise, func() { response, _, err = send(ctx, client, "video_status", surprise) })
		return response, err
	}

	response := must(request(200, `{"ok":true,"extra":1,"data":{"job_id":"vj_1","state":"reticulating","extra":{"deep":true}}}`))
	check(response.(*video.VideoJobEnvelope).Data.State == "reticulating", "another state")

	body := `{"ok":false,"data":{},"error":{"code":"NEVER_SEEN","message":"new","extra":[1]},"extra":1,"metadata":{}}`
	_, err := request(404, body)
	check(errorCode(err) == "NEVER_SEEN", "404: %v", err)

	// The client decodes only the statuses in the document.
	_, err = request(418, body)
	check(failure(err).Model() == nil, "418 was decoded")
	check(decoded[video.ErrorEnvelope](failure(err).Body()).Error.Code == "NEVER_SEEN", "418: %v", err)
	return 3
}

func failure(err error) *video.GenericOpenAPIError {
	var failure *video.GenericOpenAPIError
	check(errors.As(err, &failure), "no error of the client: %v", err)
	return failure
}

func decoded[T any](data []byte) T {
	var value T
	must(0, json.Unmarshal(data, &value))
	return value
}
