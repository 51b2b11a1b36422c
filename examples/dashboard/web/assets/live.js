// Puts in what the server sends. The browser connects again by itself; meanwhile the page says so.
const link = document.getElementById('link')
const events = new EventSource('/live')
events.onopen = () => {
  link.textContent = 'live'
  link.classList.remove('lost')
}
events.onerror = () => {
  link.textContent = 'connecting …'
  link.classList.add('lost')
}
events.onmessage = ({ data }) => {
  const focused = document.activeElement?.id
  document.getElementById('live').innerHTML = data
  if (focused) document.getElementById(focused)?.focus()
}
