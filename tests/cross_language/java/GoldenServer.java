import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.MissingNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;

/** A server that expects the request of a fixture and returns its response. */
final class GoldenServer implements AutoCloseable {
    static final ObjectMapper JSON = new ObjectMapper();

    private final HttpServer server;
    private volatile JsonNode golden;
    private final List<String> complaints = new ArrayList<>();
    private volatile int seen;

    GoldenServer() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", this::respond);
        server.start();
    }

    String baseUrl() {
        return "http://127.0.0.1:" + server.getAddress().getPort();
    }

    @Override
    public void close() {
        server.stop(0);
    }

    /** Compares the request of a call with the golden one, and fails if they differ. */
    <T> T expect(JsonNode golden, Callable<T> call) throws Exception {
        this.golden = golden;
        complaints.clear();
        seen = 0;
        T result = call.call();
        Check.that(complaints.isEmpty(), golden.path("name").asText() + ": " + complaints);
        Check.same(seen, 1, golden.path("name").asText() + ": requests");
        return result;
    }

    private void respond(HttpExchange exchange) throws IOException {
        seen++;
        JsonNode request = golden.get("request");
        compare("method", exchange.getRequestMethod(), request.get("method").asText());
        compare("path", exchange.getRequestURI().getPath(), request.get("path").asText());
        compare("query", query(exchange.getRequestURI().getRawQuery()), texts(request.get("query")));
        texts(request.get("headers"))
                .forEach((name, value) -> compare(name, exchange.getRequestHeaders().getFirst(name), value));
        byte[] body = exchange.getRequestBody().readAllBytes();
        compare("body", body.length == 0 ? MissingNode.getInstance() : plain(JSON.readTree(body)), plain(request.path("body")));

        JsonNode response = golden.get("response");
        texts(response.get("headers")).forEach((name, value) -> exchange.getResponseHeaders().set(name, value));
        byte[] content = JSON.writeValueAsBytes(response.get("body"));
        exchange.sendResponseHeaders(response.get("status").asInt(), content.length);
        exchange.getResponseBody().write(content);
        exchange.close();
    }

    private void compare(String what, Object got, Object wanted) {
        if (!wanted.equals(got)) {
            complaints.add(what + ": " + got + " is not " + wanted);
        }
    }

    private static Map<String, String> texts(JsonNode object) {
        Map<String, String> texts = new TreeMap<>();
        object.properties().forEach(field -> texts.put(field.getKey(), field.getValue().asText()));
        return texts;
    }

    private static Map<String, String> query(String raw) {
        Map<String, String> query = new TreeMap<>();
        for (String pair : raw == null ? new String[0] : raw.split("&")) {
            String[] parts = pair.split("=", 2);
            query.put(parts[0], URLDecoder.decode(parts[1], StandardCharsets.UTF_8));
        }
        return query;
    }

    /** The value with every number as a double and without nulls: 5 equals 5.0, and null equals absent. */
    static JsonNode plain(JsonNode value) throws IOException {
        if (value.isNumber()) {
            return JSON.getNodeFactory().numberNode(value.asDouble());
        }
        if (value.isObject()) {
            var object = JSON.createObjectNode();
            for (Map.Entry<String, JsonNode> field : value.properties()) {
                if (!field.getValue().isNull()) {
                    object.set(field.getKey(), plain(field.getValue()));
                }
            }
            return object;
        }
        if (value.isArray()) {
            var array = JSON.createArrayNode();
            for (JsonNode item : value) {
                array.add(plain(item));
            }
            return array;
        }
        return value;
    }
}
