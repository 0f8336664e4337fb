<?php
// Reads the body of each case in $CASES with its generated class, encodes it again, and writes the results to $READ.

use OpenAPI\Client\ObjectSerializer;

require 'GuzzleHttp/autoload.php';

const NAMESPACE_OF_CLIENT = 'OpenAPI\\Client\\';
const CLIENT = __DIR__ . '/client/lib/';

spl_autoload_register(function (string $class): void {
    if (str_starts_with($class, NAMESPACE_OF_CLIENT)) {
        require CLIENT . strtr(substr($class, strlen(NAMESPACE_OF_CLIENT)), '\\', '/') . '.php';
    }
});

// Every class is loaded, also those that no case needs.
foreach (new RecursiveIteratorIterator(new RecursiveDirectoryIterator(CLIENT, FilesystemIterator::SKIP_DOTS)) as $file) {
    class_exists(NAMESPACE_OF_CLIENT . strtr(substr($file->getPathname(), strlen(CLIENT), -4), '/', '\\'));
}

$written = array_map(function (object $case): mixed {
    $read = ObjectSerializer::deserialize($case->body, NAMESPACE_OF_CLIENT . 'Model\\' . $case->schema);
    return ObjectSerializer::sanitizeForSerialization($read);
}, json_decode(file_get_contents(getenv('CASES'))));
file_put_contents(getenv('READ'), json_encode(['openapi-generator' => $written], JSON_THROW_ON_ERROR));
