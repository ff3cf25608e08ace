"""Files of a real Amanda 3.5.1, read as Amanda reads them.  Pure: whoever calls gives the text of the files."""
