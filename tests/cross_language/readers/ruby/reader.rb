# Reads the body of each case in CASES with its generated class, encodes it again, and writes the results to READ.

require 'json'

$LOAD_PATH.unshift(File.join(__dir__, 'client/lib'))
require 'openapi_client'

Response = Struct.new(:body, :headers)

def written(value)
  case value
  when Hash then value.transform_values { |member| written(member) }
  when Array then value.map { |item| written(item) }
  when Time then value.iso8601
  else value
  end
end

client = OpenapiClient::ApiClient.default
read = JSON.parse(File.read(ENV.fetch('CASES'))).map do |given|
  response = Response.new(JSON.generate(given['body']), { 'Content-Type' => 'application/json' })
  written(client.deserialize(response, given['schema']).to_hash)
end
File.write(ENV.fetch('READ'), JSON.generate('openapi-generator' => read))
