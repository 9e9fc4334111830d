import { defineConfig } from "vite";

// A browser gives shared memory only to a page which comes with these two headers.
const headers = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};

export default defineConfig({
  server: { headers },
  preview: { headers },
  // Workers import the same glue as the page does.
  worker: { format: "es" },
});
