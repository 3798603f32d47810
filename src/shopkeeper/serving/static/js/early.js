// Runs before the first paint, so that no page flashes in another color or language.
{
  const read = (name) => {
    try {
      return localStorage.getItem(`shopkeeper.${name}`);
    } catch {
      return null; // storage is closed in some private windows
    }
  };
  const root = document.documentElement;
  const theme = read("theme");
  if (theme === "light" || theme === "dark") root.dataset.theme = theme;
  const language = read("language") ?? (navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en");
  root.lang = language === "zh" ? "zh-CN" : "en";
}
