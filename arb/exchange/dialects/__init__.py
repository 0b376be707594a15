"""What each venue guarantees, how it is asked, and what its words prove. Pure."""
