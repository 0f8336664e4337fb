import com.fasterxml.jackson.databind.DeserializationContext;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.annotation.JsonDeserialize;
import org.openapitools.client.ApiClient;
import org.openapitools.client.model.JobError;

/** Reads why a job failed. The generated reader refuses null, which the document allows and most answers hold. */
final class NullableJobError extends JobError.JobErrorDeserializer {
    private static final long serialVersionUID = 1;

    @Override
    public JobError getNullValue(DeserializationContext context) {
        return null;
    }

    @JsonDeserialize(using = NullableJobError.class)
    private interface Reader {}

    /** The client's mapper with this reader in the place of the generated one. */
    static ObjectMapper mapper() {
        return ApiClient.createDefaultObjectMapper().addMixIn(JobError.class, Reader.class);
    }
}
