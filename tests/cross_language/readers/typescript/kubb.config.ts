import { defineConfig } from "@kubb/core";
import { pluginClient } from "@kubb/plugin-client";
import { pluginOas } from "@kubb/plugin-oas";
import { pluginTs } from "@kubb/plugin-ts";

export default defineConfig({
  input: { path: "video.yaml" },
  output: { path: "src/kubb", extension: { ".ts": ".js" }, format: false },
  plugins: [pluginOas(), pluginTs(), pluginClient({ bundle: true })],
});
