import type { ExitCode } from '../session/exit-codes.ts';
import type { Session } from '../session/session.ts';

export interface DemoOptions { readonly exit?: boolean; readonly kill?: boolean; readonly dir?: string }
export async function demoCommand(_session: Session, _options: DemoOptions): Promise<ExitCode> { return Promise.resolve(1); }
