"""The experiment of Tables 2 and 3 on arrays: layers, initializations and modes under shifts and translations."""
