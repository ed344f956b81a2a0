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
import { useLink } from './runs-store.ts';

const linkWords = { connecting: 'Connecting', live: 'Live', reconnecting: 'Reconnecting', offline: 'Offline' } as const;
function switchTheme(): void {
  const isDark = document.documentElement.dataset['theme'] ? document.documentElement.dataset['theme'] === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
  const theme = isDark ? 'light' : 'dark';
  document.documentElement.dataset['theme'] = theme;
  localStorage.setItem('theme', theme);
}
function Rail() {
  const link = useLink();
  return (
    <nav className="rail" aria-label="Screens">
      <div className="brand">Agent ETL</div>
      <Link href="/" aria-current="page"><Activity size={16} aria-hidden />Runs</Link>
      <div className="foot">
        <div className="link-state" data-state={link} role="status">{linkWords[link]}</div>
        <div className="row"><span>{zone()}</span><button type="button" onClick={switchTheme} aria-label="Switch between light and dark"><SunMoon size={15} aria-hidden /></button></div>
      </div>
    </nav>
  );
}
function App() {
  return (
    <div className="frame">
      <Rail />
      <main>
        <Switch>
          <Route path="/runs/:runId">{({ runId }) => <RunPage runId={runId} />}</Route>
          <Route><RunsPage /></Route>
        </Switch>
      </main>
    </div>
  );
}
const root = document.querySelector('#root');
if (root) createRoot(root).render(<StrictMode><App /></StrictMode>);
