// The notice over the picture: why there is none, and what to do.

const $ = (id) => document.getElementById(id);

// code, if any, is a command to run; it is shown with a button that copies it.
export function showNotice(title, text, code = '') {
  if ($('notice').hidden || $('notice-title').textContent !== title) $('notice-title').textContent = title;
  $('notice-text').textContent = text;
  $('notice-code').textContent = code;
  $('notice-code').hidden = code === '';
  $('notice-copy').hidden = code === '' || !navigator.clipboard;
  $('notice').hidden = false;
}

export function hideNotice() { $('notice').hidden = true; }

$('notice-copy').addEventListener('click', () => navigator.clipboard.writeText($('notice-code').textContent));
