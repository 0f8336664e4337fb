//! The updates, in their order: each changes the document that those before it have changed.

/// A change of the contract that breaks nobody.
pub(super) struct Update {
    /// In words, for messages.
    pub(super) what: &'static str,
    /// The document with the change, or `None` if the document has no place for it.
    make: fn(&str) -> Option<String>,
}

impl Update {
    /// The document with the change.
    pub(super) fn apply(&self, document: &str) -> String {
        (self.make)(document)
            .unwrap_or_else(|| panic!("correct the update \"{}\": it has no place", self.what))
    }
}

pub(super) const UPDATES: [Update; 23] = [
    Update {
        what: "an optional property of a response",
        make: |text| {
            let text = property(
                text,
                "VideoJob",
                "queue_position",
                "integer",
                "format: int32, minimum: 0, example: 3",
            )?;
            property(&text, "VideoJobDetail", "queue_position", "integer", "format: int32, example: 3")
        },
    },
    Update {
        what: "an optional property of a structure inside of a response",
        make: |text| property(text, "VendorCapabilities", "supports_audio", "boolean", "example: true"),
    },
    Update {
        what: "an optional property of every structure",
        make: |text| {
            let structures = structures(text);
            structures.iter().try_fold(text.to_owned(), |text, name| {
                property(&text, name, "more_to_come", "string", "maxLength: 80, example: a")
            })
        },
    },
    Update {
        what: "properties whose names are words of Rust, of OpenAPI or of JSON Schema",
        make: |text| {
            let names = [
                "type",
                "default",
                "example",
                "gen",
                "self",
                "in",
                "properties",
                "pattern",
                "x-ray",
                "3d",
                "new",
                "clone",
                "fmt",
                "into",
                "eq",
                "default-size",
            ];
            names.iter().try_fold(text.to_owned(), |text, name| {
                let text = property(&text, "VideoJobDetail", name, "string", "example: a")?;
                property(&text, "GenerateRequest", name, "string", "maxLength: 9, example: a")
            })
        },
    },
    Update {
        what: "properties in every form of text and number",
        make: |text| {
            let text =
                property(text, "DownloadLink", "issued_on", "string", "format: date, example: '2026-11-20'")?;
            let uuid = "format: uuid, example: 01890a5d-ac96-774b-bcce-b302099a8057";
            let text = property(&text, "DownloadLink", "trace_id", "string", uuid)?;
            let time = "format: date-time, example: '2026-11-20T17:55:00Z'";
            let text = property(&text, "VideoJob", "created_at", "string", time)?;
            let text = property(
                &text,
                "VideoJob",
                "progress",
                "number",
                "format: double, maximum: 1, example: 0.5",
            )?;
            property(&text, "VideoJob", "bytes", "integer", "format: int64, minimum: 1, example: 7")
        },
    },
    Update {
        what: "lists and maps in a response",
        make: |text| {
            let tags = "items: {type: string}, maxItems: 2, minItems: 2, uniqueItems: true, example: [a, b]";
            let text = property(text, "VideoJobDetail", "tags", "array", tags)?;
            let labels = "\n    Labels:\n      type: object\n      description: Words by name.\n      additionalProperties: \
                          {type: string}\n      example: {team: a}\n      x-provenance: [assumed]\n";
            let text = after(&text, &["\n  schemas:"], labels.trim_end_matches('\n'))?;
            reference(&text, "VideoJobDetail", "labels", "Labels")
        },
    },
    Update {
        what: "a structure with a name inside of a response, that holds another",
        make: |text| {
            let schemas = "\n    JobProgress:\n      type: object\n      description: How far a job is.\n      required: [percent]\n      \
                           properties:\n        percent: {type: number, format: double, description: From 0 to 100., example: 7, \
                           x-provenance: [assumed]}\n        step:\n          $ref: '#/components/schemas/JobStep'\n      \
                           example: {percent: 7}\n      x-provenance: [assumed]\n    JobStep:\n      type: object\n      \
                           description: What the vendor does.\n      properties:\n        name: {type: string, nullable: true, \
                           description: Its name., example: render, x-provenance: [assumed]}\n      example: {name: render}\n      \
                           x-provenance: [assumed]";
            let text = after(text, &["\n  schemas:"], schemas)?;
            reference(&text, "VideoJob", "steps", "JobProgress")
        },
    },
    Update {
        what: "an open vocabulary of its own, and a closed one",
        make: |text| {
            let schemas = "\n    Codec:\n      type: string\n      x-extensible-enum: [h264, unknown]\n      \
                           description: How a clip is coded.\n      example: h264\n      x-provenance: [assumed]\n    \
                           Audio:\n      type: string\n      enum: [none, generated]\n      \
                           description: Whether the clip has sound.\n      example: none\n      x-provenance: [assumed]";
            let text = after(text, &["\n  schemas:"], schemas)?;
            let text = reference(&text, "VideoJobDetail", "codec", "Codec")?;
            reference(&text, "GenerateRequest", "audio", "Audio")
        },
    },
    Update {
        what: "values of an open vocabulary, one of them a state that was final before",
        make: |text| after(text, &["\n    JobState:\n", "x-extensible-enum: ["], "paused, expired, "),
    },
    Update {
        what: "a value of one of two vocabularies that share an enum",
        make: |text| {
            let text = after(text, &["\n    Resolution:\n", "x-extensible-enum: ["], "1440p, ")?;
            after(&text, &["\n    Resolution:\n", "x-enum-varnames: ["], "P1440, ")
        },
    },
    Update {
        what: "values of vocabularies that are sent",
        make: |text| {
            let text = after(text, &["\n    AspectRatio:\n", "enum: ["], "'4:3', ")?;
            let text = after(&text, &["\n    AspectRatio:\n", "x-enum-varnames: ["], "Classic, ")?;
            let text = after(&text, &["\n    Preference:\n", "enum: ["], "fastest, ")?;
            after(&text, &["\n    Preference:\n", "x-enum-varnames: ["], "Fastest, ")
        },
    },
    Update {
        what: "an optional property of a request",
        make: |text| {
            let bounds = "format: int64, minimum: 0, maximum: 4294967295, example: 7";
            property(text, "GenerateRequest", "seed", "integer", bounds)
        },
    },
    Update {
        what: "optional properties of requests that may be left out, one of which had none",
        make: |text| {
            let text =
                property(text, "CancelRequest", "reason", "string", "maxLength: 80, example: too long")?;
            let text =
                after(&text, &["\n    DeleteAllRequest:\n", "      type: object\n"], "      properties:\n")?;
            let status = "        '422':\n          $ref: '#/components/responses/UnprocessableJobId'\n";
            let text = after(&text, &["operationId: video_delete_all\n", "      responses:\n"], status)?;
            let time = "format: date-time, maxLength: 40, example: '2026-11-20T17:55:00Z'";
            property(&text, "DeleteAllRequest", "before", "string", time)
        },
    },
    Update {
        what: "members of the metadata and of an error",
        make: |text| {
            let text = property(text, "Metadata", "region", "string", "example: eu")?;
            property(&text, "ErrorDetail", "doc_url", "string", "example: https://infrai.cc/docs")
        },
    },
    Update {
        what: "a header of a response",
        make: |text| {
            let header = "          headers:\n            X-Trace-Id:\n              description: Names the call.\n              \
                          schema: {type: string}\n              example: tr_1\n              x-provenance: [assumed]\n";
            let text = after(text, &["operationId: video_status\n", "'200':\n", "\n"], header)?;
            let header = header.replace("\n    ", "\n").replacen("    ", "", 1);
            after(&text, &["\n    JobNotFound:\n", "\n"], &header)
        },
    },
    Update {
        what: "an error status",
        make: |text| {
            let status = "        '403':\n          $ref: '#/components/responses/BadRequest'\n";
            after(text, &["operationId: video_generate\n", "      responses:\n"], status)
        },
    },
    Update {
        what: "optional parameters in a query",
        make: |text| {
            let size = "{name: size, in: query, required: false, description: A size., schema: {$ref: \
                        '#/components/schemas/Resolution'}, example: 720p, x-provenance: [assumed]}";
            let vendor = "{name: vendor, in: query, required: false, description: Vendors., schema: {type: array, maxItems: 9, \
                          items: {type: string, maxLength: 80}}, example: [lumen], x-provenance: [assumed]}";
            let kind = "{name: type, in: query, required: false, description: A kind., schema: {type: boolean}, example: true, \
                        x-provenance: [assumed]}";
            [size, vendor, kind]
                .iter()
                .try_fold(text.to_owned(), |text, one| parameter(&text, "video_list", one))
        },
    },
    Update {
        what: "the first optional parameter of an operation",
        make: |text| {
            let at = ["operationId: video_capabilities\n", "x-provenance: [", "\n"];
            let text = after(text, &at, "      parameters:\n")?;
            let vendor = "{name: vendor, in: query, required: false, description: A vendor., schema: {type: string, \
                          maxLength: 80}, example: lumen, x-provenance: [assumed]}";
            let text = parameter(&text, "video_capabilities", vendor)?;
            let status = "        '400':\n          $ref: '#/components/responses/BadRequest'\n";
            after(&text, &["operationId: video_capabilities\n", "      responses:\n"], status)
        },
    },
    Update {
        what: "optional parameters in headers",
        make: |text| {
            let trace = "{name: X-Trace-Id, in: header, required: false, description: Names the call., schema: {type: string, \
                         maxLength: 80}, example: tr_1, x-provenance: [assumed]}";
            let depth = "{name: Depth, in: header, required: false, description: A number., schema: {type: integer, format: \
                         int32, minimum: 0}, example: 1, x-provenance: [assumed]}";
            let text = parameter(text, "video_generate", trace)?;
            let text = parameter(&text, "video_generate", depth)?;
            parameter(&text, "video_status", trace)
        },
    },
    Update {
        what: "an operation without a body",
        make: |text| operation(text, "capabilities", "/v1/video/vendors", "video_vendors"),
    },
    Update {
        what: "an operation whose envelope has another name than its result",
        make: |text| {
            let text = operation(text, "download_url/{id}", "/v1/video/preview/{id}", "video_preview")?;
            let (start, end) = section(&text, "\n    DownloadLinkEnvelope:\n", "\n    ")?;
            let twin = text[start..end].replace("DownloadLinkEnvelope", "PreviewEnvelope");
            let text = format!("{}{twin}{}", &text[..start], &text[start..]);
            let (start, end) = section(&text, "\n  /v1/video/preview/{id}:\n", "\n  /")?;
            let operation = text[start..end].replace("DownloadLinkEnvelope", "PreviewEnvelope");
            Some(format!("{}{operation}{}", &text[..start], &text[end..]))
        },
    },
    Update {
        what: "an operation with a body, a path of two ids and a required parameter",
        make: |text| {
            let path = "/v1/video/share/{id}/{team}";
            let text = operation(text, "set_retention/{id}", path, "video_share")?;
            let team = "{name: team, in: path, required: true, description: A team., schema: {type: string, maxLength: 80}, \
                        example: red, x-provenance: [assumed]}";
            let rights = "{name: rights, in: query, required: true, description: What they may do., schema: {$ref: \
                          '#/components/schemas/Audio'}, example: none, x-provenance: [assumed]}";
            let text = parameter(&text, "video_share", team)?;
            parameter(&text, "video_share", rights)
        },
    },
    Update {
        what: "a verification of every statement",
        make: |text| {
            let line = |line: &str| match line.split_once("x-provenance: [") {
                Some((before, after)) => {
                    let (sources, after) = after.split_once(']')?;
                    let sources = sources.split_once(", 'verified").map_or(sources, |(other, _)| other);
                    Some(format!("{before}x-provenance: [{sources}, 'verified: 2027-01-31']{after}\n"))
                }
                None => Some(format!("{line}\n")),
            };
            text.lines().map(line).collect()
        },
    },
];

/// Adds `addition` behind the last of these texts, each of which comes after the one before.
fn after(text: &str, places: &[&str], addition: &str) -> Option<String> {
    let mut end = 0;
    for place in places {
        end += text[end..].find(place)? + place.len();
    }
    Some(format!("{}{addition}{}", &text[..end], &text[end..]))
}

/// The names of the schemas with properties.
fn structures(text: &str) -> Vec<String> {
    let schemas = text.lines().skip_while(|line| *line != "  schemas:");
    let (mut names, mut last) = (Vec::new(), "");
    for line in schemas {
        match line.strip_prefix("    ") {
            Some("  properties:") => names.push(last.to_owned()),
            Some(name) if !name.starts_with(' ') => last = name.trim_end_matches(':'),
            _ => {}
        }
    }
    names
}

/// Adds an optional property, null in a response, in front of the others of a schema.
fn property(text: &str, schema: &str, name: &str, kind: &str, more: &str) -> Option<String> {
    let null = if schema.ends_with("Request") { "" } else { " nullable: true," };
    let property = format!(
        "        '{name}': {{type: {kind},{null} {more}, description: Something more., x-provenance: [assumed]}}\n"
    );
    after(text, &["\n  schemas:\n", &format!("\n    {schema}:\n"), "      properties:\n"], &property)
}

/// Adds a property that refers to a schema with a name.
fn reference(text: &str, schema: &str, name: &str, target: &str) -> Option<String> {
    let property = format!("        {name}:\n          $ref: '#/components/schemas/{target}'\n");
    after(text, &["\n  schemas:\n", &format!("\n    {schema}:\n"), "      properties:\n"], &property)
}

/// Adds a parameter in front of the others of an operation.
fn parameter(text: &str, operation: &str, parameter: &str) -> Option<String> {
    let place = format!("operationId: {operation}\n");
    after(text, &[&place, "      parameters:\n"], &format!("        - {parameter}\n"))
}

/// Adds an operation that is like the one below `/v1/video/` that is named.
fn operation(text: &str, like: &str, path: &str, id: &str) -> Option<String> {
    let (start, end) = section(text, &format!("\n  /v1/video/{like}:\n"), "\n  /")?;
    let old = like.split('/').next()?;
    let twin = text[start..end]
        .replace(&format!("/v1/video/{like}:"), &format!("{path}:"))
        .replace(&format!("operationId: video_{old}\n"), &format!("operationId: {id}\n"));
    Some(format!("{}{twin}{}", &text[..start], &text[start..]))
}

/// Where the part begins that starts with `head`, and where the next one begins with `next` and a word.
fn section(text: &str, head: &str, next: &str) -> Option<(usize, usize)> {
    let start = text.find(head)?;
    let rest = &text[start + head.len()..];
    let is_next = |at: &usize| rest[at + next.len()..].starts_with(|c: char| c.is_ascii_alphanumeric());
    let ends = rest.match_indices(next).map(|(at, _)| at).filter(is_next);
    let end = ends.chain(rest.find("\ncomponents:")).min().unwrap_or(rest.len());
    Some((start, start + head.len() + end))
}
