// The TypeScript samples of the document, between "sample" and "end". tour.ts calls each of these functions.

import type { Client } from "openapi-fetch";
import type { components } from "./api.js";
// sample: client
import createClient from "openapi-fetch";
import type { paths } from "./api.js";

// end

type Schemas = components["schemas"];
export type VideoClient = Client<paths>;

export function connect(baseUrl: string, apiKey: string): VideoClient {
  // sample: client
  const client = createClient<paths>({ baseUrl, headers: { Authorization: `Bearer ${apiKey}` } });
  // end
  return client;
}

export async function generate(client: VideoClient): Promise<Schemas["VideoJob"]> {
  // sample: video_generate
  const { data, error } = await client.POST("/v1/video/generate", {
    params: { header: { "Idempotency-Key": "skyline-2026-11-20" } },
    body: { prompt: "a timelapse of a city skyline at dusk", duration_seconds: 5, resolution: "1080p" },
  });
  if (error) throw new Error(error.error.message);
  console.log(data.data.job_id, data.data.state);
  // end
  return data.data;
}

export async function status(client: VideoClient, jobId: string): Promise<Schemas["VideoJob"]> {
  // sample: video_status
  const { data, error } = await client.GET("/v1/video/status/{id}", { params: { path: { id: jobId } } });
  if (error) throw new Error(error.error.message);
  console.log(data.data.state);
  // end
  return data.data;
}

export async function cancel(client: VideoClient, jobId: string): Promise<Schemas["Acknowledgement"]> {
  // sample: video_cancel
  const { data, error } = await client.POST("/v1/video/cancel/{id}", { params: { path: { id: jobId } } });
  if (error) throw new Error(error.error.message);
  console.log(data.data.ok);
  // end
  return data.data;
}

export async function get(client: VideoClient, jobId: string): Promise<Schemas["VideoJobDetail"]> {
  // sample: video_get
  const { data, error } = await client.GET("/v1/video/get/{id}", { params: { path: { id: jobId } } });
  if (error) throw new Error(error.error.message);
  console.log(data.data.duration_seconds, data.data.resolution);
  // end
  return data.data;
}

export async function list(client: VideoClient): Promise<Schemas["VideoJob"][][]> {
  const pages: Schemas["VideoJob"][][] = [];
  // sample: video_list
  let cursor: string | null | undefined;
  do {
    const query = cursor ? { limit: 2, cursor } : { limit: 2 };
    const { data, error } = await client.GET("/v1/video/list", { params: { query } });
    if (error) throw new Error(error.error.message);
    console.log(data.data.items?.map((job) => job.job_id));
    cursor = data.data.next_cursor;
    // skip
    pages.push(data.data.items ?? []);
    // unskip
  } while (cursor);
  // end
  return pages;
}

export async function remove(client: VideoClient, jobId: string): Promise<Schemas["Acknowledgement"]> {
  // sample: video_delete
  const { data, error } = await client.DELETE("/v1/video/delete/{id}", { params: { path: { id: jobId } } });
  if (error) throw new Error(error.error.message);
  console.log(data.data.ok);
  // end
  return data.data;
}

export async function removeAll(client: VideoClient): Promise<Schemas["DeleteAllResult"]> {
  // sample: video_delete_all
  const { data, error } = await client.POST("/v1/video/delete_all", { body: {} });
  if (error) throw new Error(error.error.message);
  console.log(data.data.deleted);
  // end
  return data.data;
}

export async function downloadUrl(client: VideoClient, jobId: string): Promise<Schemas["DownloadLink"]> {
  // sample: video_download_url
  const { data, error } = await client.GET("/v1/video/download_url/{id}", { params: { path: { id: jobId } } });
  if (error) throw new Error(error.error.message);
  console.log(data.data.url, data.data.expires_at);
  // end
  return data.data;
}

export async function setRetention(client: VideoClient, jobId: string): Promise<Schemas["Retention"]> {
  // sample: video_set_retention
  const { data, error } = await client.POST("/v1/video/set_retention/{id}", {
    params: { path: { id: jobId } },
    body: { days: 30 },
  });
  if (error) throw new Error(error.error.message);
  console.log(data.data.expires_at);
  // end
  return data.data;
}

export async function capabilities(client: VideoClient): Promise<Schemas["VideoCapabilities"]> {
  // sample: video_capabilities
  const { data, error } = await client.GET("/v1/video/capabilities");
  if (error) throw new Error(error.error.message);
  console.log(data.data.vendors?.map((vendor) => vendor.vendor));
  // end
  return data.data;
}
