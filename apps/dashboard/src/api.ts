import { createClient } from '@agent-etl/api-client';
import { token } from './session.ts';

export const api = createClient({ baseUrl: location.origin, token: token ?? '' });
