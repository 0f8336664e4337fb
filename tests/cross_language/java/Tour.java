import com.fasterxml.jackson.core.JsonProcessingException;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.openapitools.client.ApiClient;
import org.openapitools.client.ApiException;
import org.openapitools.client.api.ClipsApi;
import org.openapitools.client.api.JobsApi;
import org.openapitools.client.api.VendorsApi;
import org.openapitools.client.model.AspectRatio;
import org.openapitools.client.model.CancelRequest;
import org.openapitools.client.model.ErrorEnvelope;
import org.openapitools.client.model.GenerateRequest;
import org.openapitools.client.model.SetRetentionRequest;
import org.openapitools.client.model.VideoJob;
import org.openapitools.client.model.VideoJobPage;

/** Calls all ten operations of a sandbox whose clock is advanced manually. */
record Tour(int operations, int errors, int pages, int bytes) {
    static Tour take(String baseUrl, String apiKey) throws Exception {
        Set<String> called = new HashSet<>();
        ApiClient client = connect(baseUrl, apiKey);
        client.setResponseInterceptor(response -> called.add(response.uri().getPath().split("/")[3]));
        JobsApi jobs = new JobsApi(client);
        ClipsApi clips = new ClipsApi(client);

        Check.that(!new VendorsApi(client).videoCapabilities().getData().getVendors().isEmpty(), "no vendors");

        String small = start(jobs, "small");
        Check.same(start(jobs, "small"), small, "one key made two jobs");
        start(jobs, "second");
        waitFor(jobs, baseUrl, small);
        Check.same(jobs.videoGet(small).getData().getResolution(), "720p", "resolution");
        SetRetentionRequest month = new SetRetentionRequest().days(30);
        Check.same(clips.videoSetRetention(small, month, null).getData().getRetentionDays(), 30, "retention");
        int bytes = download(clips.videoDownloadUrl(small).getData().getUrl());

        SetRetentionRequest tooLong = new SetRetentionRequest().days(91);
        refused(422, "VALIDATION_FAILED", () -> clips.videoSetRetention(small, tooLong, null));
        refused(404, "NOT_FOUND", () -> jobs.videoStatus("vj_none"));

        String late = start(jobs, "late");
        start(jobs, "fourth");
        start(jobs, "fifth");
        List<Integer> sizes = new ArrayList<>();
        Set<String> seen = new HashSet<>();
        String cursor = null;
        do {
            VideoJobPage page = jobs.videoList(cursor, 2).getData();
            sizes.add(page.getItems().size());
            page.getItems().forEach(job -> seen.add(job.getJobId()));
            cursor = page.getNextCursor();
        } while (cursor != null && !cursor.isEmpty());
        Check.same(sizes, List.of(2, 2, 1), "pages");
        Check.same(seen.size(), 5, "jobs");

        Check.same(jobs.videoCancel(late, null, new CancelRequest()).getData().getOk(), true, "cancel");
        Check.same(jobs.videoStatus(late).getData().getState(), "cancelled", "state");
        Check.same(clips.videoDelete(late, null).getData().getOk(), true, "delete");
        Check.same(clips.videoDeleteAll(null, Map.of()).getData().getDeleted(), 4L, "deleted");
        return new Tour(called.size(), 2, sizes.size(), bytes);
    }

    static ApiClient connect(String baseUrl, String apiKey) {
        ApiClient client = new ApiClient();
        client.updateBaseUri(baseUrl);
        client.setRequestInterceptor(request -> request.header("Authorization", "Bearer " + apiKey));
        return client;
    }

    /** Starts the job of a short, small clip. */
    private static String start(JobsApi jobs, String key) throws ApiException {
        GenerateRequest request = new GenerateRequest()
                .prompt("a city")
                .durationSeconds(0.2)
                .aspectRatio(AspectRatio.Square)
                .resolution("720p");
        VideoJob job = jobs.videoGenerate(request, "java-" + key).getData();
        return job.getJobId();
    }

    private static void waitFor(JobsApi jobs, String baseUrl, String job) throws Exception {
        for (int polls = 0; polls < 1000; polls++) {
            String state = jobs.videoStatus(job).getData().getState();
            if (state.equals("succeeded")) {
                return;
            }
            // An unknown state is not final.
            Check.that(!state.equals("failed") && !state.equals("cancelled"), "the job is " + state);
            HttpRequest clock = HttpRequest.newBuilder(URI.create(baseUrl + "/__sandbox/clock"))
                    .POST(HttpRequest.BodyPublishers.ofString("{\"advance_seconds\": 2}"))
                    .build();
            int status = HttpClient.newHttpClient().send(clock, HttpResponse.BodyHandlers.discarding()).statusCode();
            Check.same(status, 200, "clock");
        }
        throw new AssertionError(job + " does not finish");
    }

    /** Downloads a clip without the API key, and returns its length in bytes. */
    private static int download(URI url) throws IOException, InterruptedException {
        HttpRequest request = HttpRequest.newBuilder(url).build();
        HttpResponse<byte[]> response = HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofByteArray());
        byte[] clip = response.body();
        Check.same(response.statusCode(), 200, "status");
        Check.same((long) clip.length, response.headers().firstValueAsLong("content-length").orElse(-1), "length");
        Check.same(new String(clip, 4, 4, StandardCharsets.US_ASCII), "ftyp", "file type");
        return clip.length;
    }

    interface Call {
        Object call() throws ApiException;
    }

    /** Checks that a call fails with this status and error code. */
    private static void refused(int status, String code, Call call) throws JsonProcessingException {
        try {
            Check.that(false, "not refused: " + call.call());
        } catch (ApiException failure) {
            Check.same(failure.getCode(), status, "status");
            Check.same(envelope(failure).getError().getCode(), code, "code");
        }
    }

    /** Decodes the body of an error, which the client returns as text. */
    static ErrorEnvelope envelope(ApiException failure) throws JsonProcessingException {
        return ApiClient.createDefaultObjectMapper().readValue(failure.getResponseBody(), ErrorEnvelope.class);
    }
}
