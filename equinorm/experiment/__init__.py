"""The experiment of Tables 2 and 3 from files to files: pictures, network, maps, a table of rows, a summary."""
