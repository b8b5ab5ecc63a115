import {defineConfig} from "vite";

// The names of built files stay the same, so that a change shows what changed; the server's ETag tells browsers.
export default defineConfig({
  base: "/console/",
  build: {
    outDir: "../dist",
    emptyOutDir: true,
    target: "es2022",
    modulePreload: false,
    rollupOptions: {
      output: {
        entryFileNames: "assets/[name].js",
        chunkFileNames: "assets/[name].js",
        assetFileNames: "assets/[name][extname]",
      },
    },
  },
  oxc: {jsx: {runtime: "automatic", importSource: "preact"}},
});
