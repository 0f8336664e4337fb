import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.openapitools.client.ApiClient;
import org.openapitools.client.ApiException;
import org.openapitools.client.ApiResponse;
import org.openapitools.client.api.ClipsApi;
import org.openapitools.client.api.JobsApi;
import org.openapitools.client.api.VendorsApi;
import org.openapitools.client.model.CancelRequest;
import org.openapitools.client.model.GenerateRequest;
import org.openapitools.client.model.SetRetentionRequest;
import org.openapitools.client.model.VideoJobEnvelope;

/** Sends the request of each fixture with the generated client, and checks that it decodes the response. */
final class Fixtures {
    private static final String KEY = "ifr_pk_proj_fixture";
    private static final ObjectMapper JSON = ApiClient.createDefaultObjectMapper();

    private Fixtures() {}

    /** Calls an operation with the arguments that produce the golden request. */
    private static ApiResponse<?> send(ApiClient client, String operation, JsonNode request)
            throws ApiException, IOException {
        JobsApi jobs = new JobsApi(client);
        ClipsApi clips = new ClipsApi(client);
        String path = request.get("path").asText();
        String id = path.substring(path.lastIndexOf('/') + 1);
        String key = request.get("headers").path("Idempotency-Key").asText(null);
        JsonNode body = request.path("body");
        return switch (operation) {
            case "video_generate" -> jobs.videoGenerateWithHttpInfo(JSON.treeToValue(body, GenerateRequest.class), key);
            case "video_status" -> jobs.videoStatusWithHttpInfo(id);
            case "video_cancel" -> jobs.videoCancelWithHttpInfo(id, key, JSON.treeToValue(body, CancelRequest.class));
            case "video_get" -> jobs.videoGetWithHttpInfo(id);
            case "video_list" -> jobs.videoListWithHttpInfo(
                    request.get("query").get("cursor").asText(), request.get("query").get("limit").asInt());
            case "video_delete" -> clips.videoDeleteWithHttpInfo(id, key);
            case "video_delete_all" -> clips.videoDeleteAllWithHttpInfo(key, JSON.treeToValue(body, Map.class));
            case "video_download_url" -> clips.videoDownloadUrlWithHttpInfo(id);
            case "video_set_retention" -> clips.videoSetRetentionWithHttpInfo(
                    id, JSON.treeToValue(body, SetRetentionRequest.class), key);
            case "video_capabilities" -> new VendorsApi(client).videoCapabilitiesWithHttpInfo();
            default -> throw new AssertionError("the operation " + operation + " is unknown here; add it");
        };
    }

    /** Checks every case in the directory, and returns their number. */
    static int check(Path directory) throws Exception {
        List<Path> files;
        try (Stream<Path> entries = Files.list(directory)) {
            files = entries.filter(path -> path.toString().endsWith(".json")).sorted().collect(Collectors.toList());
        }
        int checked = 0;
        try (GoldenServer server = new GoldenServer()) {
            ApiClient client = Tour.connect(server.baseUrl(), KEY);
            for (Path path : files) {
                JsonNode file = JSON.readTree(path.toFile());
                for (JsonNode golden : file.get("cases")) {
                    Decoded decoded = server.expect(golden, () -> request(client, file.get("operation").asText(), golden));
                    String where = path.getFileName() + " " + golden.get("name").asText();
                    JsonNode expected = golden.get("response");
                    Check.same(decoded.status(), expected.get("status").asInt(), where);
                    Check.same(decoded.retryAfter(), expected.get("headers").path("Retry-After").asText(), where);
                    Check.same(decoded.body(), GoldenServer.plain(expected.get("body")), where);
                    checked++;
                }
            }
        }
        return checked;
    }

    /** A response, with its body decoded into the client's types and encoded again. */
    private record Decoded(int status, String retryAfter, JsonNode body) {}

    private static Decoded request(ApiClient client, String operation, JsonNode golden) throws IOException {
        try {
            ApiResponse<?> response = send(client, operation, golden.get("request"));
            return new Decoded(response.getStatusCode(), "", GoldenServer.plain(JSON.valueToTree(response.getData())));
        } catch (ApiException failure) {
            Check.that(failure.getCode() != 0, operation + ": " + failure.getCause());
            String retryAfter = failure.getResponseHeaders().firstValue("Retry-After").orElse("");
            JsonNode body = GoldenServer.plain(JSON.valueToTree(Tour.envelope(failure)));
            return new Decoded(failure.getCode(), retryAfter, body);
        }
    }

    /** Checks responses that a later server may send: an unknown state, an unknown error code and status, and extra fields. */
    static int checkSurprises(Path directory) throws Exception {
        JsonNode file = JSON.readTree(directory.resolve("video_status.json").toFile());
        ObjectNode golden = file.get("cases").get(0).deepCopy();
        ObjectNode response = golden.withObject("/response");
        try (GoldenServer server = new GoldenServer()) {
            ApiClient client = Tour.connect(server.baseUrl(), KEY);
            response.put("status", 200).set("body", JSON.readTree("""
                    {"ok": true, "extra": 1, "data": {"job_id": "vj_1", "state": "reticulating", "extra": {"deep": true}}}
                    """));
            ApiResponse<?> decoded = server.expect(golden, () -> send(client, "video_status", golden.get("request")));
            Check.same(((VideoJobEnvelope) decoded.getData()).getData().getState(), "reticulating", "state");
            for (int status : new int[] {404, 418}) {
                response.put("status", status).set("body", JSON.readTree("""
                        {"ok": false, "data": {}, "extra": 1, "metadata": {},
                         "error": {"code": "NEVER_SEEN", "message": "new", "extra": [1]}}
                        """));
                Decoded refusal = server.expect(golden, () -> request(client, "video_status", golden));
                Check.same(refusal.status(), status, "status");
                Check.same(refusal.body().at("/error/code").asText(), "NEVER_SEEN", "code");
            }
        }
        return 3;
    }
}
