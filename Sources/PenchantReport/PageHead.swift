/// What the template of every page begins with; `pageTitle`, `lead` and `style` are its values.
let pageHead = """
  <!doctype html>
  <html lang="en">
  <head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta name="color-scheme" content="light dark">
  <title>{{pageTitle}}</title>
  <style>
  {{{style}}}
  </style>
  </head>
  <body>
  <main>
  <header>
  <h1 dir="auto">{{pageTitle}}</h1>
  <p class="lead">{{lead}}</p>
  </header>
  """
