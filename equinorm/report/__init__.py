"""The report: theorems, tables and figures computed, then written as Markdown, LaTeX, CSV and one page of HTML."""
