import '@fontsource-variable/inter';
import '@fontsource-variable/jetbrains-mono';
import { Activity, SunMoon } from 'lucide-react';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { Link, Route, Switch } from 'wouter';
import './tokens.css';
import './app.css';
import { zone } from './format.ts';
import { RunPage } from './run-page.tsx';
import { RunsPage } from './runs-page.tsx';
import { listenToKeys } from './keys.ts';
import { useLink } from './runs-store.ts';
import { switchTheme } from './theme.ts';

function Mark() {
  return <svg width="26" height="26" viewBox="0 0 26 26" aria-hidden><rect width="26" height="26" rx="7" fill="var(--ink)" /><path d="M7 8.5h9M7 13h12M7 17.5h7" stroke="var(--bg)" strokeWidth="2" strokeLinecap="round" /><circle cx="19" cy="8.5" r="1.6" fill="var(--ok-fill)" /></svg>;
}
const linkWords = { connecting: 'Connecting', live: 'Live', reconnecting: 'Reconnecting', offline: 'Offline' } as const;
function Rail() {
  const link = useLink();
  return (
    <nav className="rail" aria-label="Screens">
      <div className="brand"><Mark />Agent ETL</div>
      <Link href="/" aria-current="page"><Activity size={16} aria-hidden />Runs</Link>
      <div className="foot">
        <div className="link-state" data-state={link} role="status">{linkWords[link]}</div>
        <div className="row"><span className="zone">{zone()}</span><button type="button" onClick={switchTheme} aria-label="Switch between light and dark"><SunMoon size={15} aria-hidden /></button></div>
      </div>
    </nav>
  );
}
function App() {
  return (
    <div className="frame">
      <Rail />
      <main id="main">
        <Switch>
          <Route path="/runs/:runId">{({ runId }) => <RunPage runId={runId} />}</Route>
          <Route><RunsPage /></Route>
        </Switch>
      </main>
    </div>
  );
}
listenToKeys();
const root = document.querySelector('#root');
if (root) createRoot(root).render(<StrictMode><App /></StrictMode>);
