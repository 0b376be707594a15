"""From a book to an opened cycle: found, sized, ranked, decided on."""
