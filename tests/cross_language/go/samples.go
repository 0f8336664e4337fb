package main

// What the document shows for Go, between "sample" and "end"; tour.go calls each of these functions.

import (
	"context"
	"fmt"

	"example.com/infrai/video"
)

func connect(baseURL, apiKey string) (*video.APIClient, context.Context) {
	// sample: client
	// The package video is what openapi-generator makes.
	config := video.NewConfiguration()
	config.Servers = video.ServerConfigurations{{URL: baseURL}}
	client := video.NewAPIClient(config)
	ctx := context.WithValue(context.Background(), video.ContextAccessToken, apiKey)
	// end
	return client, ctx
}

func generate(ctx context.Context, client *video.APIClient) (*video.VideoJob, error) {
	// sample: video_generate
	request := video.NewGenerateRequest("a timelapse of a city skyline at dusk")
	request.SetDurationSeconds(5)
	request.SetResolution("1080p")
	call := client.JobsAPI.VideoGenerate(ctx).IdempotencyKey("skyline-2026-11-20")
	answer, _, err := call.GenerateRequest(*request).Execute()
	if err != nil {
		return nil, err
	}
	fmt.Println(answer.Data.JobId, answer.Data.State)
	// end
	return &answer.Data, nil
}

func status(ctx context.Context, client *video.APIClient, jobID string) (*video.VideoJob, error) {
	// sample: video_status
	answer, _, err := client.JobsAPI.VideoStatus(ctx, jobID).Execute()
	if err != nil {
		return nil, err
	}
	fmt.Println(answer.Data.State)
	// end
	return &answer.Data, nil
}

func cancel(ctx context.Context, client *video.APIClient, jobID string) (*video.Acknowledgement, error) {
	// sample: video_cancel
	body := *video.NewCancelRequest() // Left out, it would be sent as null.
	answer, _, err := client.JobsAPI.VideoCancel(ctx, jobID).CancelRequest(body).Execute()
	if err != nil {
		return nil, err
	}
	fmt.Println(answer.Data.GetOk())
	// end
	return &answer.Data, nil
}

func get(ctx context.Context, client *video.APIClient, jobID string) (*video.VideoJobDetail, error) {
	// sample: video_get
	answer, _, err := client.JobsAPI.VideoGet(ctx, jobID).Execute()
	if err != nil {
		return nil, err
	}
	fmt.Println(answer.Data.GetDurationSeconds(), answer.Data.GetResolution())
	// end
	return &answer.Data, nil
}

func list(ctx context.Context, client *video.APIClient) ([][]video.VideoJob, error) {
	var pages [][]video.VideoJob
	// sample: video_list
	call := client.JobsAPI.VideoList(ctx).Limit(2)
	for {
		answer, _, err := call.Execute()
		if err != nil {
			return nil, err
		}
		for _, job := range answer.Data.Items {
			fmt.Println(job.JobId)
		}
		// skip
		pages = append(pages, answer.Data.Items)
		// unskip
		if answer.Data.GetNextCursor() == "" {
			break
		}
		call = call.Cursor(answer.Data.GetNextCursor())
	}
	// end
	return pages, nil
}

func remove(ctx context.Context, client *video.APIClient, jobID string) (*video.Acknowledgement, error) {
	// sample: video_delete
	answer, _, err := client.ClipsAPI.VideoDelete(ctx, jobID).Execute()
	if err != nil {
		return nil, err
	}
	fmt.Println(answer.Data.GetOk())
	// end
	return &answer.Data, nil
}

func removeAll(ctx context.Context, client *video.APIClient) (*video.DeleteAllResult, error) {
	// sample: video_delete_all
	answer, _, err := client.ClipsAPI.VideoDeleteAll(ctx).Body(map[string]any{}).Execute()
	if err != nil {
		return nil, err
	}
	fmt.Println(answer.Data.GetDeleted())
	// end
	return &answer.Data, nil
}

func downloadURL(ctx context.Context, client *video.APIClient, jobID string) (*video.DownloadLink, error) {
	// sample: video_download_url
	answer, _, err := client.ClipsAPI.VideoDownloadUrl(ctx, jobID).Execute()
	if err != nil {
		return nil, err
	}
	fmt.Println(answer.Data.GetUrl(), answer.Data.GetExpiresAt())
	// end
	return &answer.Data, nil
}

func setRetention(ctx context.Context, client *video.APIClient, jobID string) (*video.Retention, error) {
	// sample: video_set_retention
	request := video.NewSetRetentionRequest(30)
	answer, _, err := client.ClipsAPI.VideoSetRetention(ctx, jobID).SetRetentionRequest(*request).Execute()
	if err != nil {
		return nil, err
	}
	fmt.Println(answer.Data.GetExpiresAt())
	// end
	return &answer.Data, nil
}

func capabilities(ctx context.Context, client *video.APIClient) (*video.VideoCapabilities, error) {
	// sample: video_capabilities
	answer, _, err := client.VendorsAPI.VideoCapabilities(ctx).Execute()
	if err != nil {
		return nil, err
	}
	for _, vendor := range answer.Data.Vendors {
		fmt.Println(vendor.GetVendor())
	}
	// end
	return &answer.Data, nil
}
