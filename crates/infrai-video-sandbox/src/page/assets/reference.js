"use strict";

// `?document=sandbox` selects the document of the admin API.
const isAdmin = new URLSearchParams(location.search).get("document") === "sandbox";
const links = document.querySelectorAll("nav a");
const chosen = links[isAdmin ? 1 : 0];
chosen.setAttribute("aria-current", "page");
for (const format of ["yaml", "json"]) {
  document.querySelector(`#${format}`).href = `${chosen.dataset.document}.${format}`;
}

// Swagger UI leaves these fields without a name.
const names = { "#servers": "Server", ".examples-select-element": "Example", ".body-param__text": "Request body" };
const reference = document.querySelector("#reference");
new MutationObserver(() => {
  for (const [fields, name] of Object.entries(names)) {
    for (const field of reference.querySelectorAll(`:is(${fields}):not([aria-label])`)) field.setAttribute("aria-label", name);
  }
}).observe(reference, { childList: true, subtree: true });

// The document with this sandbox as its only server, so that no request of the page leaves it.
fetch(`${chosen.dataset.document}.json`)
  .then((response) => response.json())
  .then((spec) => {
    const servers = [{ url: location.origin, description: "This sandbox" }];
    const ui = SwaggerUIBundle({
      spec: { ...spec, servers },
      domNode: reference,
      deepLinking: true,
      tryItOutEnabled: true,
      validatorUrl: null,
      defaultModelsExpandDepth: 0,
      syntaxHighlight: false,
      // Any key with this prefix is an account of its own. The admin API needs a token only if the sandbox has one.
      onComplete: () => isAdmin || ui.preauthorizeApiKey("bearerAuth", "ifr_pk_sandbox"),
    });
  });
