"use strict";

// The document with this sandbox as its only server, so that no request of the page leaves it.
fetch("/openapi.json")
  .then((response) => response.json())
  .then((document) => {
    const servers = [{ url: location.origin, description: "This sandbox" }];
    const ui = SwaggerUIBundle({
      spec: { ...document, servers },
      domNode: window.document.querySelector("#reference"),
      deepLinking: true,
      tryItOutEnabled: true,
      validatorUrl: null,
      defaultModelsExpandDepth: 0,
      syntaxHighlight: false,
      // Any key with this prefix is an account of its own.
      onComplete: () => ui.preauthorizeApiKey("bearerAuth", "ifr_pk_sandbox"),
    });
  });
