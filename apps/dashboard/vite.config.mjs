import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

// While developing, `npx nx serve dashboard-app` talks to a standalone on its usual port.
const api = 'http://127.0.0.1:8080';
export default defineConfig({
  plugins: [react()],
  build: { outDir: '../../dist/apps/dashboard', emptyOutDir: true, target: 'es2024', modulePreload: { polyfill: false }, assetsInlineLimit: 0 },
  server: { proxy: { '/v1': { target: api, ws: true } } },
});
