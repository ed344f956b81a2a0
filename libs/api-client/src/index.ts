export { ApiError } from './api-error.ts';
export { type CallInput, type Client, type ClientOptions, createClient } from './client.ts';
