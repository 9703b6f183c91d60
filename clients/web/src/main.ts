document.title = "Lightbox";
