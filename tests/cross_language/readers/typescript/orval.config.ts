import { defineConfig } from "orval";

export default defineConfig({
  video: { input: "video.yaml", output: { target: "src/orval.ts", headers: true } },
});
